//! The handbook of a made-up service: a small corpus that questions of meaning can be asked about.

pub(crate) const HANDBOOK: &[(&str, &str)] = &[
    (
        "handbook/keys.md",
        "# API keys\n\n## Rotation\n\nReplace each key every ninety days. The old key keeps working for one day, so that running programs have time to pick up the new one.\n\n## Scopes\n\nA key can be limited to reading, or to some of the endpoints.\n",
    ),
    (
        "handbook/offboarding.md",
        "# Offboarding\n\nWhen an employee leaves the company, their directory entry is deactivated. All their sessions end at once and they cannot sign in again.\n",
    ),
    (
        "handbook/webhooks.md",
        "# Webhooks\n\nEvents are sent to your endpoint as signed HTTP requests. A delivery that fails is retried with growing intervals for three days.\n",
    ),
    (
        "handbook/billing.md",
        "# Billing\n\nInvoices are issued on the first day of each month. Cards are charged automatically; transfers are due within thirty days.\n",
    ),
    (
        "handbook/limits.md",
        "# Rate limits\n\nEach account may send one hundred requests a second. Beyond that the server answers with status 429 and says in a header how long to wait.\n",
    ),
    (
        "handbook/regions.md",
        "# Regions\n\nData is stored in Frankfurt or in Ohio, as chosen when the account is made. It never leaves that region.\n",
    ),
    (
        "handbook/backups.md",
        "# Backups\n\nA snapshot of the database is taken every night and kept for five weeks. Support restores one on request.\n",
    ),
    (
        "handbook/sdk.md",
        "# Libraries\n\nOfficial clients exist for Python, Go, Ruby and TypeScript. Install them from the registry of the language.\n",
    ),
    (
        "handbook/audit.md",
        "# Audit log\n\nEvery change of a setting is recorded with its author, the time and the address it came from. Entries can be exported as CSV.\n",
    ),
    (
        "handbook/status.md",
        "# Service status\n\nOutages and planned maintenance are announced on the status page, by mail to those who subscribed.\n",
    ),
];

/// Questions that share few words with the page that answers them.
pub(crate) const QUESTIONS: &[(&str, &str)] = &[
    ("how do I stop people who were fired from still getting in?", "offboarding.md"),
    ("which country is our information kept in?", "regions.md"),
    ("can lost data be brought back?", "backups.md"),
    ("who modified this configuration, and when?", "audit.md"),
];
