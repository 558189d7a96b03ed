"""How events reach one receiver: a sender for webhooks, for the webhooks of 2022, and for each kind of broker."""
