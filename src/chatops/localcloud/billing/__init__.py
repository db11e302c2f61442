"""What this world would cost on Azure: what really ran is metered, priced by list prices and told as Azure tells it."""
