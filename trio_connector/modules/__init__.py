"""What operators switch on by name, one file each; ``assembly`` turns their configuration into what the daemon runs."""
