"""Looking at every service when it is due: who looks, in which thread, what is written down."""
