"""Are the same rules in force everywhere, what do they decide, and is anything done past them?"""

from observability.dashboards.panel import MODE, board, query, series

DECISIONS = "bandstand_policy_decisions_total"
AUDITED = "bandstand_policy_audited_steps_total"

IN_FORCE = [
    series(
        "Version in force, both modes",
        "none",
        [
            query(
                "max by (service, instance) (bandstand_policy_version)", "{{service}} {{instance}}"
            )
        ],
        "One line for each enforcement point. Lines apart are points that do not agree.",
    ),
    series(
        "Points behind, both modes",
        "short",
        [
            query("max(bandstand_policy_points_behind)", "points behind, both modes"),
            query("max(bandstand_policy_points_missed)", "points missed, both modes"),
        ],
        "In orchestration one point has to learn of a change, in choreography all of them. Missed: "
        "silent without a goodbye, so frozen or killed.",
    ),
    series(
        "Behind for, both modes",
        "s",
        [query("max(bandstand_policy_skew_seconds)", "both modes")],
        "Orders slip through for as long as a point is behind.",
    ),
]
DECIDED = [
    series(
        "Decisions",
        "ops",
        [
            query(
                f"sum by (mode, outcome) (rate({DECISIONS}{{{MODE}}}[1m]))",
                "{{mode}}: {{outcome}}",
            )
        ],
        "One for each rule and step. Rules in audit mode are counted with the others.",
    ),
    series(
        "Denied and held, by rule",
        "ops",
        [
            query(
                f'sum by (mode, rule) (rate({DECISIONS}{{{MODE},outcome!="allowed"}}[1m]))',
                "{{mode}}: {{rule}}",
            )
        ],
        "The same rule should do the same in both modes.",
    ),
    series(
        "Time to decide, both modes",
        "s",
        [
            query(
                "sum by (service) (rate(bandstand_policy_decision_seconds_sum[1m]))"
                " / sum by (service) (rate(bandstand_policy_decision_seconds_count[1m]))",
                "{{service}}",
            )
        ],
        "All rules of one step together; the transaction's part is not in it.",
    ),
]
PAST = [
    series(
        "Steps done past a rule",
        "short",
        [
            query(
                f"max by (mode, kind) (increase(bandstand_policy_violations_total{{{MODE}}}[5m]))",
                "{{mode}}: {{kind}}",
            )
        ],
        "Slipped: before its point knew the rule. Bypass: although it had said to enforce it.",
    ),
    series(
        "Slipped through, by version of the rules",
        "short",
        [
            query(
                f"max by (mode, version) (bandstand_policy_slipped_total{{{MODE}}})",
                "{{mode}}: version {{version}}",
            )
        ],
        "Orders that passed before every point knew the rules of that version.",
    ),
    series(
        "Share of steps under a rule",
        "percentunit",
        [
            query(
                f'max by (mode) (increase({AUDITED}{{{MODE},guarded="true"}}[5m]))'
                f' / (max by (mode) (increase({AUDITED}{{{MODE},guarded="true"}}[5m]))'
                f' + max by (mode) (increase({AUDITED}{{{MODE},guarded="false"}}[5m])))',
                "{{mode}}",
            )
        ],
        "Of the steps that were done or refused. One without a rule cannot be done past one.",
    ),
    series(
        "Rules that fail",
        "ops",
        [
            query(
                f"sum by (mode, rule) (rate(bandstand_policy_errors_total{{{MODE}}}[1m]))",
                "{{mode}}: {{rule}}",
            )
        ],
        "A rule that fails denies or allows, as it says of itself; either way it decides nothing.",
    ),
]
POLICY = board(
    "policy",
    "Policy",
    "Are the same rules in force everywhere, and is anything done past them?",
    [("In force", IN_FORCE), ("Decided", DECIDED), ("Past the rules", PAST)],
)
