"""A progress line every few seconds."""

from dataclasses import dataclass, field

from asr.progress import LineTimer


@dataclass
class Meter:
    """Means since the last line, and speed since the start.

    Attributes:
        unit: of the amounts, such as ``s of audio``.
    """

    loss: float = 0.0
    tokens: int = 0
    gradient_norm: float = 0.0
    steps: int = 0
    amount: float = 0.0  # since the start
    unit: str = "s of audio"
    timer: LineTimer = field(default_factory=LineTimer)

    def add(
        self, loss: float, tokens: int, gradient_norm: float, amount: float
    ) -> None:
        """Count one step: loss per token, and how much it learned from."""
        self.loss += loss * tokens
        self.tokens += tokens
        self.gradient_norm += gradient_norm
        self.steps += 1
        self.amount += amount

    @property
    def speed(self) -> float:
        """Amount per second."""
        return self.amount / max(1e-9, self.timer.seconds)

    def show(self, where: str, learning_rate: float, left: float) -> None:
        """Print a line if the last one is old enough; ``left`` is an amount."""
        if not self.steps or not self.timer.due():
            return
        minutes = left / max(1e-9, self.speed) / 60
        print(
            f"{where}: loss {self.loss / max(1, self.tokens):.3f} a token, "
            f"gradient norm {self.gradient_norm / self.steps:.1f}, "
            f"learning rate {learning_rate:.1e}, "
            f"{self.speed:.0f} {self.unit} a second, {minutes:.0f} min left",
            flush=True,
        )
        self.loss = self.gradient_norm = 0.0
        self.tokens = self.steps = 0
