"""One function a command: it reads the settings, builds the real world, and calls the rooms below."""
