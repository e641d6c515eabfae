"""What a person is told while a fit runs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Prints lines that begin with the name of an estimator, if it is to print at all."""

    title: str
    """Name of the estimator."""
    verbose: bool = False
    log_unit: float = 0.0
    """Log of the units of the data, which is taken from every log-likelihood that is told."""
    penalised: bool = False
    """Whether what is compared is the log-likelihood less a penalty."""

    def say(self, line: str) -> None:
        """Print one line."""
        if self.verbose:
            print(f"[{self.title}] {line}")

    def in_units(self, log_likelihood: float) -> float:
        """A mean log-likelihood in the units of the data."""
        return log_likelihood - self.log_unit

    def height(self, objective: float) -> str:
        """What starts are compared by, in words."""
        penalty = " less the penalty" if self.penalised else ""
        return f"log-likelihood{penalty} {self.in_units(objective):.10g}"
