"""A folder of finished members, so that a grid that was interrupted goes on."""

import io
from pathlib import Path

import joblib

import mixstat
from mixstat.arguments import Setting
from mixstat.estimators.base import BaseMixture
from mixstat.files import as_folder, checksum, create, set_aside
from mixstat.selection.grid import with_settings
from mixstat.selection.member import Member, RowsOfGrid

ENDING = ".member"


class KeptMembers:
    """Members on disk, each under a checksum of its settings, its rows and its folds.

    The name of a file also holds a checksum of its bytes, and nothing is read that is not as it
    was written: a damaged file is set aside and its member fitted again. Members of other rows,
    settings or versions have other names, so one folder may serve many grids and processes.

    Parameters
    ----------
    folder : path
        Made if it does not exist. Files are pickles: read only what you trust.
    rows : RowsOfGrid
        What members are fitted to.
    """

    def __init__(self, folder: Setting, rows: RowsOfGrid) -> None:
        self.folder = as_folder(folder, "folder")
        self.rows = joblib.hash((*rows, mixstat.__version__))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(
                f"folder must be one that can be written, got {str(folder)!r}: {error.strerror}."
            ) from error

    def find(self, base: BaseMixture, settings: dict[str, Setting]) -> Member | None:
        """The member with these settings; None if it is not there, whole."""
        key = self._key(base, settings)
        for path in sorted(self.folder.glob(f"{key}-*{ENDING}")):
            content = path.read_bytes()
            if path.name == _name(key, content):
                member = joblib.load(io.BytesIO(content))
                assert isinstance(member, Member)
                return member
            set_aside(path)
        return None

    def keep(self, base: BaseMixture, member: Member) -> Path:
        """Write a member: either all of it is on disk afterwards, or nothing."""
        sink = io.BytesIO()
        joblib.dump(member, sink)
        content = sink.getvalue()
        path = self.folder / _name(self._key(base, member.settings), content)
        create(path, content)
        return path

    def _key(self, base: BaseMixture, settings: dict[str, Setting]) -> str:
        one = with_settings(base, settings)
        own = {k: v for k, v in one.get_params(deep=False).items() if k != "verbose"}
        told = repr([(name, joblib.hash(value)) for name, value in sorted(own.items())])
        return checksum(f"{type(one).__qualname__} {told} {self.rows}".encode())


def _name(key: str, content: bytes) -> str:
    return f"{key}-{checksum(content)}{ENDING}"
