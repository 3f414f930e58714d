"""The ports' implementations: technology on this side, the domain's words on the other."""
