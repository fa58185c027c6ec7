"""The table of samples agrees with the decoders and with counts made by hand."""

from pathlib import Path

import pytest
import torch

from asr.train.log_files import SAMPLES_HEADER, read_table, write_table
from asr.train.samples import choose, decode_samples
from asr.train.validate import best_path
from tests.train.toy import toy_config, toy_trainer


def test_predictions_and_rates(tmp_path: Path) -> None:
    trainer = toy_trainer(tmp_path, tmp_path / "c", toy_config(max_epochs=12))
    trainer.run()
    dev, tokenizer = trainer.dev_check.dev, trainer.dev_check.tokenizer
    chosen = choose(dev.utterances, 4, 1, 2)
    samples = decode_samples(trainer.model, dev, chosen, tokenizer.tokens, 4)
    assert trainer.model.training
    assert [s.decoder for s in samples] == ["greedy", "beam"] * 4
    trainer.model.eval()
    for sample in samples[::2]:
        features = torch.from_numpy(dev.reader.read(sample.id))[None]
        with torch.no_grad():
            log_probs, lengths = trainer.model(
                features, torch.tensor([features.shape[1]])
            )
        expected = tokenizer.decode(best_path(log_probs, lengths)[0])
        assert sample.prediction == expected
        assert sample.target == dev.texts[sample.id]
    assert any(sample.prediction for sample in samples)
    path = tmp_path / "s.tsv"
    write_table(path, SAMPLES_HEADER, [sample.row for sample in samples])
    assert path.read_text().startswith("id\tdecoder\ttarget\tprediction\tCER\tWER\n")
    rows = read_table(path)
    assert [tuple(row) for row in rows] == [sample.row for sample in samples]


def test_rates_are_percent_of_the_target(tmp_path: Path) -> None:
    from asr.train.samples import _score

    sample = _score("a", "beam", "ONE TWO", "ONE TO")
    assert sample.row == ("a", "beam", "ONE TWO", "ONE TO", "14.29", "50.00")


def test_choice_depends_on_its_key_only(tmp_path: Path) -> None:
    trainer = toy_trainer(tmp_path, tmp_path / "c", toy_config())
    everyone = trainer.dev_check.dev.utterances
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first = choose(everyone, 5, 1, 2)
    assert torch.equal(state, torch.get_rng_state())
    assert first == choose(everyone, 5, 1, 2) != choose(everyone, 5, 1, 3)
    assert len({u.id for u in first}) == 5
    assert len(choose(everyone, 99, 1, 2)) == len(everyone)


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_of_the_model_stays(tmp_path: Path, training: bool) -> None:
    trainer = toy_trainer(tmp_path, tmp_path / "c", toy_config())
    trainer.model.train(training)
    chosen = trainer.dev_check.dev.utterances[:1]
    decode_samples(
        trainer.model,
        trainer.dev_check.dev,
        chosen,
        trainer.dev_check.tokenizer.tokens,
        2,
    )
    assert trainer.model.training is training
