"""Desired resources against observed ones: plan (pure), then apply (the only writer). Knows neither Azure nor chat."""
