"""What may be changed how: property validation, the lifecycle rule, merges. No HTTP, no SQL."""
