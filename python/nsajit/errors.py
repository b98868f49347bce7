"""What goes wrong, as exceptions. The text says what was attempted, on what, why it failed and what to do."""


class Error(RuntimeError):
    """Everything that nsajit raises."""


class InvalidArgumentError(Error, ValueError):
    """The call asks for something that cannot be: shapes, dtypes or strides that do not fit, an unknown device."""


class NotFoundError(Error):
    """A file, a library or a device is not there."""


class UnsupportedError(Error):
    """This build, driver or GPU cannot do it."""


class CacheError(Error):
    """The cache file refused."""


class CompileError(Error):
    """NVRTC or LLVM refused; the message holds the whole log."""


class DriverError(Error):
    """The CUDA driver or the loader refused."""


class FrozenError(Error):
    """Frozen, and the cache does not hold the kernel that would have to be compiled."""


class InternalError(Error):
    """A mistake of nsajit."""


_BY_STATUS = {
    1: InvalidArgumentError,
    2: NotFoundError,
    3: UnsupportedError,
    4: Error,
    5: CacheError,
    6: CompileError,
    7: DriverError,
    8: FrozenError,
    9: InternalError,
    10: InternalError,
}


def error_of(status: int, text: str) -> Error:
    """The exception of a status of nsajit.h."""
    return _BY_STATUS.get(status, Error)(text)
