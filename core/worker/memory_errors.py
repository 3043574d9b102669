"""Which errors mean that memory ran out: every library says it in its own words, and few by a type of their own."""

from __future__ import annotations

import errno

# What torch's allocators (CPU on Windows, CPU on Linux, CUDA, MPS), ONNX Runtime's arena and C's `strerror` say, and
# cuBLAS and cuDNN, which allocate beside torch (`CUBLAS_STATUS_ALLOC_FAILED`).
_WORDS = (
    "not enough memory",
    "can't allocate memory",
    "out of memory",
    "failed to allocate memory",
    "cannot allocate memory",
    "status_alloc_failed",
)
# numpy's _ArrayMemoryError is a MemoryError; torch's class is known by its name, for a worker may never load torch.
_TYPE_NAMES = ("OutOfMemoryError",)


def means_out_of_memory(error: BaseException) -> bool:
    """Whether the error, or the one that it was raised from, says that memory ran out."""
    seen: BaseException | None = error
    while seen is not None:
        if _says_so(seen):
            return True
        seen = seen.__cause__
    return False


def _says_so(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ in _TYPE_NAMES:
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    # A library's own RuntimeException of the ONNX kind is no RuntimeError; other kinds quote what a user wrote.
    named = isinstance(error, RuntimeError) or type(error).__module__.startswith("onnxruntime")
    return named and any(words in str(error).lower() for words in _WORDS)
