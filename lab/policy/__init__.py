"""Policies from the outside: put in force (`rules`), shown, and audited from the history."""
