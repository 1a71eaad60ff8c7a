"""Stock: reserve, release, ship."""
