"""What runs the service and looks after it."""

manifest = ["gene-expression", "redis"]
