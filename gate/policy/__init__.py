"""What is allowed here: settings that a team writes down, and how they turn findings into severities."""
