"""Write files for later versions to read: python -m tests.saving.keep, once for each format."""

import json

import numpy as np

import mixstat
from mixstat.saving.container import VERSION
from tests.saving.cases import KEPT, case

NAMES = ("formula", "classes", "contexts")


def main() -> None:
    """Files of this version, and what they answer."""
    path = KEPT / "answers.json"
    answers = json.loads(path.read_text()) if path.exists() else {}
    for name in NAMES:
        moe, X, *_ = case(name)
        mixstat.save(moe, KEPT / f"v{VERSION}-{name}.npz")
        told = moe.predict_proba(X) if hasattr(moe, "predict_proba") else moe.predict(X)
        answers[f"v{VERSION}-{name}"] = {
            "predicted": told.tolist(),
            "params": moe.params.tolist(),
            "errors": np.sqrt(np.diag(moe.cov_params())).tolist(),
            "status": moe.certificate_.status.name,
        }
    path.write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    main()
