"""The form of a rule: what people type, as the document that the configuration holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms

from core.config.operations import MAX_REASON
from core.errors import InvalidInput, NexusError
from core.metrics import instruments, series
from core.metrics.rules.declared import MOST_DESCRIPTION, MOST_MINUTES, RULES, Rule, checked
from core.metrics.series import SEPARATOR, STATISTICS
from core.ui.records import sentence

Choices = list[tuple[str, Any]]
SIDES = (("above", "is above"), ("below", "is below"))
SEVERITIES = (("info", "Info"), ("warning", "Warning"), ("critical", "Critical"))
MISSING = (
    ("keep", "changes nothing"),
    ("resolve", "counts as recovered"),
    ("alert", "counts as beyond the threshold"),
)
DERIVED = ("recovery", "recover_minutes", "description")  # left out when nobody gave them


class RuleForm(forms.Form):
    """`seen` is the document that the form was filled from; None for a new rule."""

    name = forms.CharField(
        max_length=63,
        help_text="Small letters, digits and _: it names the rule in alerts and on the command"
        " line.",
    )
    series = forms.ChoiceField()
    condition = forms.ChoiceField(label="Side", choices=SIDES)
    threshold = forms.FloatField(help_text="In the unit of the series.")
    for_minutes = forms.IntegerField(
        label="For, in minutes", min_value=1, max_value=MOST_MINUTES, initial=5,
        help_text="So many in a row beyond the threshold open the alert.",
    )  # fmt: skip
    severity = forms.ChoiceField(choices=SEVERITIES, initial="warning")
    recovery = forms.FloatField(
        required=False,
        help_text="What a value must reach to have recovered. Empty: a tenth inside the threshold.",
    )
    recover_minutes = forms.IntegerField(
        label="Recovered for, in minutes", min_value=1, max_value=MOST_MINUTES, required=False,
        help_text="So many in a row resolve the alert. Empty: as many as open it.",
    )  # fmt: skip
    no_data = forms.ChoiceField(
        label="A minute without data", choices=MISSING, initial="keep",
        help_text="Such as minutes without a request.",
    )  # fmt: skip
    description = forms.CharField(
        max_length=MOST_DESCRIPTION,
        required=False,
        help_text="Stands in the alert: what it means, what to do.",
    )
    reason = forms.CharField(
        max_length=MAX_REASON, required=False,
        help_text="Why, for who looks at the history of the configuration later.",
    )  # fmt: skip

    def __init__(self, *args: Any, seen: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seen = seen
        self.fields["series"].choices = _choices((seen or {}).get("series", ""))  # type: ignore[attr-defined]
        for field in self.fields.values():
            field.widget.attrs.setdefault("autocomplete", "off")
        if seen is not None:
            self.fields["name"].widget = forms.HiddenInput()

    @classmethod
    def of(cls, rule: Rule, document: Mapping[str, Any]) -> RuleForm:
        """Filled with a rule; what its document leaves out stays empty."""
        filled = {**rule.document(), **{each: document.get(each) for each in DERIVED}}
        initial = {name: _written(value) for name, value in filled.items()}
        return cls(initial=initial, seen=document)

    @classmethod
    def posted(cls, post: Mapping[str, Any]) -> RuleForm:
        """As it came back, perhaps with the document it was filled from."""
        return cls(post, seen=_seen(post.get("name", ""), post.get("seen", "")))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                self.rule = checked(cleaned["name"], self.document())
            except NexusError as error:
                self.refuse(error)
        return cleaned

    def document(self) -> dict[str, Any]:
        given = {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in ("name", "reason") and not (name in DERIVED and value in (None, ""))
        }
        seen = self.seen or {}
        if given["no_data"] == "keep" and "no_data" not in seen:
            del given["no_data"]
        return {**given, **({"enabled": seen["enabled"]} if "enabled" in seen else {})}

    def refuse(self, error: NexusError) -> None:
        """Show what was wrong beside the fields it is about."""
        for detail in error.details:
            place = detail.field.rpartition(".")[2]
            if place in self.fields:
                self.add_error(place, detail.message)
        if not self.errors:
            self.add_error(None, sentence(error))

    @property
    def seen_text(self) -> str:
        """What `posted` reads; empty for a new rule."""
        return "" if self.seen is None else json.dumps(dict(self.seen))


def _written(value: Any) -> Any:
    """A number as somebody would type it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _seen(name: str, text: str) -> dict[str, Any] | None:
    """None for what no page of ours has sent: then it is a new rule, and its name is taken."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return None if RULES.problem({name: found}) else RULES.normal({name: found})[name]


def _title(name: str) -> str:
    """Of a series that is not offered: an instrument without its statistic, or one that is away."""
    try:
        return series.named(name).title
    except InvalidInput:
        return f"{name}, which is not known now"


def _choices(current: str) -> Choices:
    """The series by their titles, then every statistic of every instrument."""
    named = [
        (name, f"{each.title} ({each.unit})" if each.unit else each.title)
        for name, each in series.registry.items()
    ]
    others = [
        (f"{name}{SEPARATOR}{statistic}", f"{name}, {statistic}")
        for name, each in sorted(instruments.registry.items())
        for statistic in STATISTICS[each.kind]
    ]
    known = {name for name, _ in [*named, *others]}
    choices: Choices = [
        ("Series", sorted(named, key=lambda each: each[1])),
        ("Instruments", others),
    ]
    if current and current not in known:
        choices.insert(0, (current, _title(current)))
    return choices
