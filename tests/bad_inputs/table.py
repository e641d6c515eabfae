"""The table of bad inputs."""

import itertools

from tests.bad_inputs.conformal import of_conformal, of_pruning
from tests.bad_inputs.contexts import of_contexts
from tests.bad_inputs.effects import of_effects
from tests.bad_inputs.files import of_blocks, of_files
from tests.bad_inputs.inference import of_inference
from tests.bad_inputs.parts import of_parts
from tests.bad_inputs.rows import DECLARED, Row, fault
from tests.bad_inputs.settings import of_estimators
from tests.bad_inputs.studies import of_studies
from tests.bad_inputs.tools import of_tools
from tests.bad_inputs.two_level import of_two_levels


def table() -> list[Row]:
    """All rows."""
    parts = (
        of_estimators(),
        of_parts(),
        of_contexts(),
        of_tools(),
        of_studies(),
        of_inference(),
        of_effects(),
        of_conformal(),
        of_pruning(),
        of_two_levels(),
        of_files(),
        of_blocks(),
    )
    return list(itertools.chain(*parts))


def declared_faults() -> list[str]:
    """What is wrong with fields whose types tests check, for a process that does not."""
    return [told for row in table() if row.place in DECLARED and (told := fault(row))]
