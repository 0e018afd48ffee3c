using Microsoft.Extensions.Options;

namespace Etcd.Client.Hosting;

/// <summary>Finds wrong options when an application starts.</summary>
internal sealed class EtcdLeaderElectionOptionsValidator : IValidateOptions<EtcdLeaderElectionOptions>
{
    private static readonly TimeSpan ShortestTimeToLive = TimeSpan.FromSeconds(1);

    public ValidateOptionsResult Validate(string? name, EtcdLeaderElectionOptions options)
    {
        var problems = new List<string>();
        if (options.Candidate is null)
            problems.Add($"Candidate of the election '{name}' is null.");
        if (options.TimeToLive < ShortestTimeToLive)
            problems.Add($"TimeToLive of the election '{name}' must be at least a second.");
        if (options.StopTimeout <= TimeSpan.Zero || options.StopTimeout > options.TimeToLive / 2)
            problems.Add($"StopTimeout of the election '{name}' must be positive, and at most half of TimeToLive.");
        if (options.RetryDelay < TimeSpan.Zero)
            problems.Add($"RetryDelay of the election '{name}' must not be negative.");
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }
}
