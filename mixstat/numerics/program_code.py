"""Compiled programs as bytes, and back; bytes that are not whole are never looked into."""

import hashlib
import hmac
import pickle
import zlib

import jax
from jax.experimental import serialize_executable

MARK = b"mixstat program 1\n"
DIGEST = hashlib.sha256().digest_size


def to_bytes(program: jax.stages.Compiled, n_arrays: int, name: str) -> bytes:
    """A program of ``n_arrays`` arrays, sealed under its name."""
    code, _, out_tree = serialize_executable.serialize(program)
    # structures are no bytes, but trees that are filled with numbers are
    answer = out_tree.unflatten(range(out_tree.num_leaves))
    content = zlib.compress(pickle.dumps((code, n_arrays, answer)), 1)
    return MARK + _seal(content, name) + content


def from_bytes(content: bytes, name: str) -> jax.stages.Compiled:
    """The program that was sealed under a name.

    Raises
    ------
    ValueError
        If the bytes are damaged, or were sealed under another name. Nothing in them has been
        unpickled then.
    """
    seal, code = content[len(MARK) : len(MARK) + DIGEST], content[len(MARK) + DIGEST :]
    if not content.startswith(MARK) or not hmac.compare_digest(seal, _seal(code, name)):
        raise ValueError("These are not the bytes of this program.")
    packed, n_arrays, answer = pickle.loads(zlib.decompress(code))
    _prepare_lapack()
    in_tree = jax.tree.structure(((0,) * n_arrays, {}))
    return serialize_executable.deserialize_and_load(packed, in_tree, jax.tree.structure(answer))


def _seal(content: bytes, name: str) -> bytes:
    return hmac.digest(name.encode(), content, "sha256")


def _prepare_lapack() -> None:
    """Find the functions of LAPACK, which only tracing does otherwise."""
    from jaxlib import lapack

    lapack._lapack.initialize()  # pyright: ignore[reportPrivateImportUsage]
