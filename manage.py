#!/usr/bin/env python
"""Nexus on the command line: `manage.py help` lists the commands."""

import os
import sys

from nexus.command_line import CommandLine

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nexus.settings")
    CommandLine(sys.argv).execute()
