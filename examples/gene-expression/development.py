"""What one needs to change the service: all that it imports and starts, and what runs its tests."""

manifest = [
    "gemma",
    "gunicorn",
    "python",
    "python-flask",
    "python-numpy",
    "python-pytest",
    "python-redis",
    "redis",
]
