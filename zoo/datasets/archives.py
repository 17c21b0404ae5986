"""Publishers' archives: found in the user's folder, fetched where they are missing, verified before use."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import shutil
import tarfile
import urllib.request
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import filelock

from zoo.datasets.cache import SEAL, cache_dir, discard, is_sound, seal
from zoo.types import RunError, Source, UsageError

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

REACH_SECONDS = 10  # TFDS itself tries ten times with growing pauses, minutes in all, before it gives up


def manual_dir(source: Source) -> Path | None:
    """The folder where the user keeps publishers' archives: `source.manual_dir`, else `ZOO_MANUAL_DIR`, else None.

    Raises:
      UsageError: It is no folder.
    """
    named = source.manual_dir or os.environ.get("ZOO_MANUAL_DIR")
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise UsageError(f"`--manual-dir` (or `ZOO_MANUAL_DIR`) must name a folder, got `{folder}`.")
    return folder


def find(folder: Path | None, subfolder: str, names: tuple[str, ...]) -> Path | None:
    """The first of the files `names` in `folder` or directly in its `subfolder`, None where there is none."""
    if folder is None:
        return None
    places = [place / name for place in (folder, folder / subfolder) for name in names]
    return next((place for place in places if place.is_file()), None)


def find_all(folder: Path | None, subfolder: str, names: Sequence[str]) -> list[Path] | None:
    """All of the files `names` in `folder`, or else all directly in its `subfolder`; None where some are missing."""
    for place in (folder, folder / subfolder) if folder else ():
        if all((place / name).is_file() for name in names):
            return [place / name for name in names]
    return None


def members(archive: Path, suffix: str) -> Iterator[tuple[str, bytes]]:
    """The same as `files`, with the names of the files alone."""
    for path, content in files(archive, suffix):
        yield path.name, content


def files(archive: Path, suffix: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Paths and contents of a tar archive's files with this suffix, read as one stream.

    Raises:
      UsageError: Not a tar archive, or cut short.
    """
    try:
        with tarfile.open(archive, "r|*") as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                if member.isfile() and path.name.endswith(suffix) and not path.name.startswith("."):
                    yield path, tar.extractfile(member).read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UsageError(f"`{archive}` is no whole tar archive ({error}); fetch it again.") from None


def content_checksum(archive: Path, suffix: str) -> str:
    """SHA-256 over an archive's files, whatever their order and the archive's compression.

    GitHub makes tag archives anew and does not promise equal bytes, so the sum is that of the files in them; it is what
    `LC_ALL=C sha256sum *.wav | sha256sum` prints in the unpacked folder.

    Raises:
      UsageError: Not a tar archive, or cut short.
    """
    sums = sorted((name, hashlib.sha256(content).hexdigest()) for name, content in members(archive, suffix))
    return hashlib.sha256("".join(f"{digest}  {name}\n" for name, digest in sums).encode()).hexdigest()


def verify(archive: Path, suffix: str, expected: str) -> None:
    """Checks `content_checksum`.

    Raises:
      UsageError: It is not the expected one, or the archive cannot be read.
    """
    found = content_checksum(archive, suffix)
    if found != expected:
        raise UsageError(
            f"`{archive}` is not the publisher's archive: "
            f"SHA-256 of its *{suffix} files is {found}, expected {expected}; fetch it again."
        )


def verify_file(file: Path, expected: str) -> None:
    """Checks the SHA-256 of a file that the publisher serves as it is.

    Raises:
      UsageError: It is not the expected one.
    """
    with file.open("rb") as content:  # which may be larger than the memory
        _demand(file, hashlib.file_digest(content, "sha256").hexdigest(), "its SHA-256", expected)


def verify_gzip(file: Path, expected: str) -> bytes:
    """Checks the SHA-256 of what is in a gzip file, whose own bytes differ with every program that packs it.

    Returns:
      What is in it.

    Raises:
      UsageError: It is not the expected one, or the file is no gzip file or cut short.
    """
    try:
        content = gzip.decompress(file.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"`{file}` is no whole gzip file ({error}); fetch it again.") from None
    verify_content(file, content, "its SHA-256, unpacked,", expected)
    return content


def verify_content(file: Path, content: bytes, what: str, expected: str) -> None:
    """Checks the SHA-256 of content, which is `what` of a file, such as "its SHA-256, unpacked,".

    Raises:
      UsageError: It is not the expected one.
    """
    _demand(file, hashlib.sha256(content).hexdigest(), what, expected)


def _demand(file: Path, found: str, what: str, expected: str) -> None:
    if found != expected:
        raise UsageError(
            f"`{file}` is not the publisher's file: {what} is {found}, expected {expected}; fetch it again."
        )


def forget_download(file: Path) -> None:
    """Removes a wrong download, which TFDS would else take again, or by its notes on it refuse the next one."""
    file.unlink()
    file.with_name(f"{file.name}.INFO").unlink(missing_ok=True)


def prepare(
    make: type[tfds.core.DatasetBuilder],
    archive: Path | None,
    *,
    url: str,
    name: str | Sequence[str],
    config: str | None = None,
) -> tfds.core.DatasetBuilder:
    """Has TFDS prepare a data set once for all processes, from `archive` or else from the network, without a word.

    Args:
      make: The builder's class; it reads from `dl_manager.manual_dir` where that is, else it downloads `url`. (A
        catalogue's builder only says that it downloads: TFDS looks into the manual folder for the file name registered
        with `url`.)
      archive: The user's copy, never written to; the first file where there are several.
      url: Of the publisher's archive; of the folder with the publisher's files where there are several.
      name: The file name to ask for, or the names of several files.
      config: Name of one of the builder's configs, None for its first, or where it has none.

    Returns:
      The builder, ready to read.

    Raises:
      RunError: No archive and no network, or no room.
      UsageError: What the builder says of a wrong archive, or its SHA-256 is not the one that the catalogue has.
    """
    folder = cache_dir() / "tfds"
    folder.mkdir(exist_ok=True)
    with filelock.FileLock(folder / f"{make.name}.lock"):
        builder = make(data_dir=folder, config=config)
        prepared = Path(builder.data_path)
        if (prepared / SEAL).exists() and not is_sound(prepared):
            discard(prepared, "prepared data")
            builder = make(data_dir=folder, config=config)
        if not prepared.exists():
            _prepare(builder, archive, url, name)
        # TFDS gives the folder its name only when all of it is there.
        if prepared.is_dir() and not (prepared / SEAL).exists():
            seal(prepared)
    return builder


def _prepare(builder: tfds.core.DatasetBuilder, archive: Path | None, url: str, name: str | Sequence[str]) -> None:
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError

    downloads = cache_dir() / "downloads"
    try:
        if archive is None:
            reached = url if isinstance(name, str) else f"{url}/{name[0]}"
            urllib.request.urlopen(urllib.request.Request(reached, method="HEAD"), timeout=REACH_SECONDS).close()
        with _quiet():
            config = tfds.download.DownloadConfig(manual_dir=archive and str(archive.parent))
            builder.download_and_prepare(download_dir=str(downloads), download_config=config)
    except NonMatchingChecksumError:
        if archive is not None:
            verify_file(archive, builder.url_infos[url].checksum)  # says so in one line
        shutil.rmtree(downloads / builder.name)  # where TFDS leaves it
        raise UsageError(f"{url} did not send the publisher's file (its SHA-256 differs); fetch it again.") from None
    except (OSError, tfds.download.DownloadError) as error:
        reason = getattr(error, "reason", error)
        if archive is not None:
            raise RunError(f"`{archive}` cannot be prepared in `{cache_dir()}`: {reason}") from None
        if isinstance(name, str):
            missing, files = f"`{name}` is not here and {url}", "that file"
        else:
            missing, files = f"{', '.join(f'`{each}`' for each in name)} are not all here and {url}", "those files"
        raise RunError(
            f"{missing} cannot be fetched ({reason}); put {files} into a folder FOLDER and add `--manual-dir FOLDER`."
        ) from None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps back what TFDS prints and logs while it prepares, on a terminal or not."""
    import absl.logging
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    before = absl.logging.get_verbosity()
    absl.logging.set_verbosity(absl.logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        absl.logging.set_verbosity(before)
