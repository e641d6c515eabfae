"""Files that are damaged, of another format or from a later version are refused in words."""

import io
import json
import zipfile

import numpy as np
import pytest

import mixstat
from mixstat.saving import container
from mixstat.saving.models import load, save
from tests.saving.cases import KEPT, case

pytestmark = pytest.mark.filterwarnings("ignore")
FEW, MANY = 150, 1000
REFUSED = "is damaged, or no model file of mixstat"


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model.npz"
    save(case("classes").moe, path)
    return path.read_bytes()


def corrupted(content: bytes, random: np.random.Generator) -> bytes:
    """Bytes that are flipped, lost, added, moved, or cut off."""
    data = bytearray(content)
    n, at = len(data), int(random.integers(len(data)))
    length = int(min(2 ** random.integers(0, 12), n - at))
    kind = random.integers(7)
    if kind == 0:
        data[at] ^= 1 << int(random.integers(8))
    elif kind == 1:
        del data[at:]
    elif kind == 2:
        del data[at : at + length]
    elif kind == 3:
        data[at:at] = random.bytes(length)
    elif kind == 4:
        data[at : at + length] = bytes(length)
    elif kind == 5:
        data[at : at + length] = random.bytes(length)
    else:
        other = int(random.integers(n - length + 1))
        data[at : at + length], data[other : other + length] = (
            data[other : other + length],
            data[at : at + length],
        )
    return bytes(data)


@pytest.mark.parametrize(
    ("first", "last"), [(0, FEW), pytest.param(FEW, MANY, marks=pytest.mark.slow)]
)
def test_a_damaged_file_is_refused_or_loads_the_same(content, first, last, tmp_path):
    path, twin = tmp_path / "model.npz", tmp_path / "twin.npz"
    refused = []
    for seed in range(first, last):
        path.write_bytes(corrupted(content, np.random.default_rng(seed)))
        try:
            loaded = load(path)
        except ValueError as error:
            refused.append(str(error))
        else:
            save(loaded, twin)
            assert twin.read_bytes() == content
    assert all(REFUSED in words for words in refused)
    assert len(refused) > 0.9 * (last - first)


def members(content: bytes) -> dict[str, bytes]:
    """What is in a file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A file with other members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, one in members.items():
            archive.writestr(name, one)
    return out.getvalue()


def rewritten(content: bytes, change) -> bytes:
    """A file whose model was changed by hand, with checksums that are right."""
    found = members(content)
    model = json.loads(found["model.json"])
    change(model)
    arrays = {
        name.removesuffix(".npy"): np.load(io.BytesIO(one))
        for name, one in found.items()
        if name.endswith(".npy")
    }
    return container.pack(model, arrays, "9.8.7")


def told(content: bytes, tmp_path) -> str:
    """Why a file is refused."""
    (tmp_path / "model.npz").write_bytes(content)
    with pytest.raises(ValueError, match="path: ") as error:
        load(tmp_path / "model.npz")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_later_format_says_so(content, tmp_path):
    found = members(content)
    head = json.loads(found["mixstat.json"]) | {"version": 2, "written_by": "3.0.0"}
    words = told(packed(found | {"mixstat.json": json.dumps(head).encode()}), tmp_path)
    assert "has format 2, written by mixstat 3.0.0" in words
    assert f"mixstat {mixstat.__version__} reads formats up to 1: update it" in words


def _name_a_gate(model):
    model["fit"]["fields"]["model"]["fields"]["gate"]["record"] = "QuantumGate"


def _add_a_field(model):
    model["fit"]["fields"]["units"]["fields"]["colour"] = "red"


def _add_a_parameter(model):
    model["params"]["colour"] = "red"


def _name_an_estimator(model):
    model["estimator"] = "system"


def _forget_units(model):
    del model["fit"]["fields"]["units"]


def _tag(model):
    model["params"]["tol"] = {"call": "os.system"}


def _no_array(model):
    model["params"]["tol"] = {"array": "nowhere"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_name_a_gate, "QuantumGate"),
        (_add_a_field, "Units.colour"),
        (_add_a_parameter, "colour"),
        (_name_an_estimator, "system"),
        (_forget_units, "Fit.units"),
        (_tag, "call"),
        (_no_array, "nowhere"),
        (lambda model: model.clear(), "params"),
    ],
)
def test_what_this_version_does_not_know_is_named(content, change, named, tmp_path):
    words = told(rewritten(content, change), tmp_path)
    assert "written by mixstat 9.8.7" in words
    assert f"mixstat {mixstat.__version__} does not know" in words
    assert named in words


def test_a_field_that_an_earlier_version_lacked_has_its_default(content, tmp_path):
    def earlier(model):
        del model["params"]["verbose"]
        del model["fit"]["fields"]["rows_per_unit"]
        del model["fit"]["fields"]["request"]["fields"]["schema"]["fields"]["groups"]

    path = tmp_path / "model.npz"
    path.write_bytes(rewritten(content, earlier))
    moe, X, *_ = case("classes")
    np.testing.assert_array_equal(load(path).predict_proba(X), moe.predict_proba(X))


def test_other_files_are_refused(content, tmp_path):
    assert "cannot be unpacked" in told(b"", tmp_path)
    assert "cannot be unpacked" in told(b"x,y\n1,2\n", tmp_path)
    assert "mixstat.json cannot be read" in told(packed({"a.npy": b""}), tmp_path)
    found = members(content)
    assert "cannot be unpacked" in told(packed(found, zipfile.ZIP_DEFLATED), tmp_path)
    for head, why in (
        (b"[]", "does not say 'mixstat model'"),
        (b'{"format": "pdf"}', "does not say 'mixstat model'"),
        (b'{"format": "mixstat model", "version": "1"}', "its version is '1'"),
        (b'{"format": "mixstat model", "version": 1}', "does not match its checksums"),
        (b"[" * 100_000, "cannot be read"),
    ):
        assert why in told(packed(found | {"mixstat.json": head}), tmp_path)
    lost = {name: one for name, one in found.items() if "scale" not in name}
    assert "does not match its checksums" in told(packed(lost), tmp_path)
    assert "does not match its checksums" in told(packed(found | {"more.npy": b""}), tmp_path)


def test_no_object_is_unpickled(content, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "proof"), "w"))

    pickled = io.BytesIO()
    np.save(pickled, np.array([Bomb()], object), allow_pickle=True)
    found = members(content)
    name = next(one for one in found if one.endswith(".npy"))
    found[name] = pickled.getvalue()
    head = json.loads(found["mixstat.json"])
    head["sha256"][name] = container._checksum(found[name])
    found["mixstat.json"] = json.dumps(head).encode()
    assert "not as save writes it" in told(packed(found), tmp_path)
    assert not (tmp_path / "proof").exists()


CODE = (
    "I(__import__('os').system('true'))",
    "I(x.to_csv('/tmp/x'))",
    "I([y for y in (1, 2)][0])",
    "I((lambda: 1)())",
    "I(np.load('x'))",
    "I(np.linalg.norm(x))",
    "I(contr.__class__)",
    "open('x')",
)


@pytest.mark.parametrize("code", CODE)
def test_a_formula_that_could_do_more_than_arithmetic_is_refused(code, tmp_path):
    path = tmp_path / "model.npz"
    save(case("formula").moe, path)

    def change(model):
        fields = model["fit"]["fields"]["request"]["fields"]["schema"]["fields"]
        fields["formulas"]["fields"]["gate"] = f"~ {code}"

    path.write_bytes(rewritten(path.read_bytes(), change))
    with pytest.raises(ValueError, match=r"may have no formula with|is no function of formulas"):
        load(path)


def test_files_of_earlier_versions_answer_as_they_did():
    answers = json.loads((KEPT / "answers.json").read_text())
    assert len(answers) >= 3
    for name, answer in answers.items():
        moe = load(KEPT / f"{name}.npz")
        X = case(name.partition("-")[2]).X
        told = moe.predict_proba(X) if hasattr(moe, "predict_proba") else moe.predict(X)
        np.testing.assert_allclose(told, answer["predicted"], rtol=1e-9)
        np.testing.assert_allclose(moe.params, answer["params"], rtol=1e-12)
        np.testing.assert_allclose(np.sqrt(np.diag(moe.cov_params())), answer["errors"], rtol=1e-6)
        assert moe.certificate_.status.name == answer["status"]
        if name.endswith("classes"):  # its rows are known again
            assert moe.inference(X, case("classes").y).level == 0.95
        assert "Log-likelihood" in str(moe.summary())
