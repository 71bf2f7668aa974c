"""The form for a new key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms

from core.access import lives, scopes
from core.access.actor import Actor

EXPLAINED = {
    scopes.READ_SYSTEM: "Look at status, health, tasks, services and the audit of them.",
    scopes.READ_METRICS: "Read metrics and their history.",
    scopes.WRITE_CACHE: "Clear the cache, or parts of it.",
    scopes.ADMIN_CONFIG: "Change the configuration, roll it back, and see its secrets.",
    scopes.ADMIN_SERVICES: "Act on alerts; start, stop and restart services; run stress tests.",
    scopes.ADMIN_BACKUP: "Make, download, restore and delete backups.",
    scopes.ADMIN_SECURITY: "Manage keys, scans and blocks.",
    scopes.ADMIN_TASKS: "Cancel tasks and run them again.",
    scopes.ADMIN_PLUGINS: "Enable and disable plugins.",
}
USUAL_DAYS = (7, 30, 90, 365)


def choices_of_life() -> list[tuple[str, str]]:
    """Some that the configuration allows, its default among them."""
    days = sorted({*USUAL_DAYS, lives.default_days()})
    choices = [(str(each), _in_words(each)) for each in days if each <= lives.LONGEST.value]
    return [*choices, ("", "Never")] if lives.FOR_EVER.value else choices


def _in_words(days: int) -> str:
    if days == 365:
        return "1 year"
    return f"{days} day" if days == 1 else f"{days} days"


class KeyForm(forms.Form):
    """Offers the scopes that `actor` has and no other."""

    name = forms.CharField(
        max_length=100, help_text="What will use the key, so that it can be found again."
    )
    scopes = forms.MultipleChoiceField(
        error_messages={"required": "Choose at least one."},
    )
    expires = forms.ChoiceField(
        choices=choices_of_life, initial=lambda: str(lives.default_days()), required=False
    )
    networks = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "10.0.0.0/8"}),
        help_text="Addresses or networks it may be used from, one on each line. Empty: any.",
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scopes"].choices = [  # type: ignore[attr-defined]
            (name, text) for name, text in EXPLAINED.items() if actor.has(name)
        ]

    def chosen_scopes(self) -> list[str]:
        return list(self["scopes"].value() or [])

    def arguments(self) -> dict[str, Any]:
        """What `operations.create_key` takes, but for the actor."""
        data = self.cleaned_data
        days = data["expires"]
        return {
            "name": data["name"],
            "scopes": data["scopes"],
            "expires_in": timedelta(days=int(days)) if days else None,
            "networks": data["networks"].replace(",", "\n").split(),
        }
