"""Which services there are: their definitions, validated, and what depends on what."""
