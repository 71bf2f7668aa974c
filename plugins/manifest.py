"""`plugin.toml`: what a plugin is, needs, requests and consists of."""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path
from typing import Annotated, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from core.errors import Detail, InvalidInput
from plugins.permissions import PERMISSIONS
from plugins.schema import OptionSchema

FILE_NAME = "plugin.toml"
MAX_BYTES = 256 * 1024
_ID = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
_SHOWN = 20  # of the problems, in the sentence; all are in the details


class InvalidManifest(InvalidInput):
    code = "invalid_manifest"


def _version(text: str) -> str:
    try:
        return str(Version(text))
    except InvalidVersion:
        raise ValueError("this is not a version as PEP 440 has it, such as 1.2.0") from None


def _specifier(text: str) -> str:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise ValueError("this is not a version range as PEP 440 has it: >=1.2,<2") from None
    return text


def _permission(name: str) -> str:
    if name not in PERMISSIONS:
        raise ValueError(f"there is no such permission; known: {', '.join(PERMISSIONS)}")
    return name


def _inside(path: str) -> str:
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError("this is not the path of a file inside the plugin")
    return path


Identifier = Annotated[str, StringConstraints(pattern=_ID, max_length=50)]
VersionText = Annotated[str, StringConstraints(max_length=100), AfterValidator(_version)]
Range = Annotated[str, StringConstraints(max_length=200), AfterValidator(_specifier)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Text = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]
OptionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
FilePath = Annotated[str, StringConstraints(max_length=400), AfterValidator(_inside)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Module = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*$")]
Permission = Annotated[str, AfterValidator(_permission)]


class Manifest(BaseModel):
    """A checked manifest. `files` has the SHA-256 of each file by its path."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Identifier
    name: Line
    version: VersionText
    description: Text = ""
    nexus: Range
    entry: Module = "plugin"
    permissions: Annotated[list[Permission], Field(max_length=50)] = []
    dependencies: dict[Identifier, Range] = {}
    options: Annotated[dict[OptionName, OptionSchema], Field(max_length=200)] = {}
    files: dict[FilePath, Digest] = {}

    @model_validator(mode="after")
    def _does_not_need_itself(self) -> Manifest:
        if self.id in self.dependencies:
            raise ValueError("dependencies: a plugin can't depend on itself")
        return self

    @property
    def module(self) -> str:
        """The id as a name of Python's, and of the section of its options."""
        return self.id.replace("-", "_")

    def fits(self, nexus: str) -> bool:
        """Whether it is made for this version of Nexus."""
        return within(self.nexus, nexus)


def within(wanted: str, version: str) -> bool:
    """Whether a version is in a range; one before a release counts by its number."""
    return SpecifierSet(wanted).contains(version, prereleases=True)


def read(folder: Path) -> Manifest:
    """The manifest of the plugin in `folder`.

    Raises InvalidManifest with every problem and its place, OSError when it can't be read.
    """
    return parse(text_of(folder))


def text_of(folder: Path) -> str:
    """Raises InvalidManifest for a file that is too large or not text, and OSError."""
    path = folder / FILE_NAME
    if not stat.S_ISREG(path.lstat().st_mode):  # opening another thing might never end
        raise InvalidManifest(f"{FILE_NAME} is not a plain file.")
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise InvalidManifest(f"{FILE_NAME} is larger than {MAX_BYTES // 1024} KiB.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidManifest(f"{FILE_NAME} is not UTF-8: {error}.") from None


def parse(text: str) -> Manifest:
    """Raises InvalidManifest with every problem and its place."""
    try:
        return Manifest.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidManifest(f"{FILE_NAME} is not TOML: {error}.") from None
    except RecursionError:
        raise InvalidManifest(f"{FILE_NAME} is nested too deeply.") from None
    except ValidationError as error:
        details = [_detail(each) for each in error.errors(include_url=False)]
        told = "; ".join(f"{each.field}: {each.message}" for each in details[:_SHOWN])
        raise InvalidManifest(f"{FILE_NAME} has problems: {told}.", details=details) from None


def _detail(error: Any) -> Detail:
    where = ".".join(map(str, error["loc"])).removesuffix(".[key]")
    message = re.sub("^Value error, ", "", error["msg"])
    if not where:  # of the document as a whole: the message begins with the place
        where, _, message = message.partition(": ")
    return Detail(where, error["type"], message)
