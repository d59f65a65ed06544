"""What each kind of work takes, from sizes and rates alone; nothing here reads anything."""
