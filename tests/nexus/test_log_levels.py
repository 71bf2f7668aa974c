"""What goes to the log can be changed while a process runs."""

from __future__ import annotations

import logging

import pytest

from core import options
from core.options import registry
from nexus import lifecycle


@pytest.mark.option("logging.level")
def test_the_level_of_everything_can_be_changed(caplog):
    logger = logging.getLogger("test.of.levels")
    logger.debug("before")
    with options.replaced({"logging.level": "DEBUG"}):
        logger.debug("while")
    with options.replaced({"logging.level": "ERROR"}):
        logger.warning("hidden")
        assert not logging.getLogger("psycopg.pool").isEnabledFor(logging.WARNING)
    logger.debug("after")
    assert caplog.messages == ["while"]
    assert logging.getLogger("psycopg.pool").isEnabledFor(logging.WARNING)
    assert not logging.getLogger("psycopg.pool").isEnabledFor(logging.INFO)


@pytest.mark.option("logging.levels")
def test_single_loggers_have_levels_of_their_own_and_get_back_what_they_had(caplog):
    one, psycopg = logging.getLogger("test.one"), logging.getLogger("psycopg")
    had = psycopg.level
    with options.replaced({"logging.levels": {"test.one": "DEBUG", "psycopg": "DEBUG"}}):
        one.debug("heard")
        logging.getLogger("test.other").debug("not heard")
        assert psycopg.level == logging.DEBUG
        with options.replaced({"logging.levels": {"test.one": "ERROR"}}):
            one.warning("not heard either")
            assert psycopg.level == had
    assert (one.level, psycopg.level) == (logging.NOTSET, had)
    assert caplog.messages == ["heard"]


@pytest.mark.parametrize(
    "value", [{"a b": "INFO"}, {"": "INFO"}, {"tasks": "LOUD"}, {"tasks": 10}, {"x" * 201: "INFO"}]
)
def test_what_is_no_logger_or_level_is_refused(value):
    assert registry.get("logging.levels").problem(value) is not None


def test_celery_leaves_the_log_as_it_is_configured():
    with options.replaced({"logging.level": "WARNING"}):
        logging.getLogger().setLevel(logging.DEBUG)  # as a library might, before the worker starts
        lifecycle.set_up_logging(loglevel=logging.INFO)
        assert logging.getLogger().level == logging.WARNING


def test_the_root_may_be_named_like_any_other():
    root = logging.getLogger()
    with options.replaced({"logging.levels": {"root": "DEBUG"}}):
        assert root.level == logging.DEBUG
        with options.replaced({"logging.level": "ERROR"}):
            assert root.level == logging.ERROR
