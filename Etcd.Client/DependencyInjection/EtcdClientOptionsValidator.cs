using Microsoft.Extensions.Options;

namespace Etcd.Client;

/// <summary>Finds wrong options when an application starts.</summary>
internal sealed class EtcdClientOptionsValidator : IValidateOptions<EtcdClientOptions>
{
    public ValidateOptionsResult Validate(string? name, EtcdClientOptions options)
    {
        IReadOnlyList<string> problems = options.FindProblems();
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }
}
