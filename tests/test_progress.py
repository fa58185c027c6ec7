"""Progress lines: none too early, and with the right numbers."""

import pytest

from asr import progress


class Clock:
    """Stands for the clock; goes only when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_due_once_in_every_five_seconds(clock: Clock) -> None:
    timer = progress.LineTimer()
    due = []
    for clock.now in range(100, 116):
        if timer.due():
            due.append(clock.now)
    assert due == [105, 110, 115]
    assert timer.seconds == 15


def test_bytes_are_counted_from_where_a_download_goes_on(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    meter = progress.ByteMeter("a.tar", 10_000_000, done=4_000_000)
    meter.add(1_000_000)
    assert capsys.readouterr().out == ""
    clock.now += 5
    meter.add(1_000_000)
    assert capsys.readouterr().out == "a.tar: 6.0 of 10.0 MB, 0.4 MB/s\n"
    unknown = progress.ByteMeter("b.tar", None)
    clock.now += 10
    unknown.add(5_000_000)
    assert capsys.readouterr().out == "b.tar: 5.0 MB, 0.5 MB/s\n"
