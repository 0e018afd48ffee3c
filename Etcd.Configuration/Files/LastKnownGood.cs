namespace Etcd.Configuration.Files;

/// <summary>Settings as they were once.</summary>
/// <param name="Revision">The revision that they are of.</param>
/// <param name="SavedAt">When they were written.</param>
/// <param name="Settings">The settings.</param>
internal sealed record LastKnownGood(long Revision, DateTimeOffset SavedAt, IDictionary<string, string?> Settings);
