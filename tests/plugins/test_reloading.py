"""Plugins are looked for again while a process runs."""

from __future__ import annotations

import shutil

import pytest

from core.health import checks
from plugins import following
from plugins.models import PluginState
from plugins.plugin import State
from tests.plugins import making

pytestmark = pytest.mark.django_db


def test_a_new_plugin_is_taken_in(load, directory):
    loaded = load()
    making.write(directory, "late")
    following.reload()
    assert loaded.get("late").state == State.ACTIVE
    assert "late.works" in checks.registry


def test_one_that_failed_is_tried_again(load, directory):
    folder = making.write(directory, "sample", "raise RuntimeError('not yet')")
    loaded = load()
    assert loaded.get("sample").state == State.FAILED
    shutil.rmtree(folder)
    making.write(directory, "sample")
    following.reload()
    assert loaded.get("sample").state == State.ACTIVE


def test_one_that_is_in_use_goes_on_as_it_is(load, directory):
    making.write(directory, "sample")
    loaded = load()
    before = loaded.get("sample"), checks.registry.get("sample.works")
    following.reload()
    assert (loaded.get("sample"), checks.registry.get("sample.works")) == before


def test_one_that_is_disabled_stays_so(load, directory):
    making.write(directory, "sample")
    loaded = load()
    PluginState.objects.create(id="sample", enabled=False)
    following.reload()
    assert loaded.get("sample").state == State.DISABLED
