"""Collections in: every file validated, refused files quarantined."""
