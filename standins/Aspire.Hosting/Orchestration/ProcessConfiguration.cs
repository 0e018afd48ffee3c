using System.Collections;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Orchestration;

/// <summary>Asks all callbacks of a resource what its process is started with, and resolves what they answered.</summary>
internal static class ProcessConfiguration
{
    /// <summary>Meant for this process only: where it listens itself, and the profile that it was started with.</summary>
    private static readonly string[] s_notInherited = ["ASPNETCORE_URLS", "DOTNET_URLS", "DOTNET_LAUNCH_PROFILE"];

    public static async Task<string[]> ArgumentsAsync(
        IResource resource, DistributedApplicationExecutionContext executionContext, ILogger logger, CancellationToken cancellationToken)
    {
        var context = new CommandLineArgsCallbackContext([], resource, cancellationToken)
        {
            ExecutionContext = executionContext,
            Logger = logger,
        };
        foreach (var callback in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>())
        {
            await callback.Callback(context).ConfigureAwait(false);
        }

        var arguments = new List<string>();
        foreach (var value in context.Args)
        {
            // An argument without a value is left out, as an option whose connection string is optional would be.
            if (await ResolveAsync(value, resource, executionContext, cancellationToken).ConfigureAwait(false) is { } text)
            {
                arguments.Add(text);
            }
        }

        return [.. arguments];
    }

    /// <summary>The variables that the callbacks set.</summary>
    public static async Task<Dictionary<string, string>> EnvironmentAsync(
        IResource resource, DistributedApplicationExecutionContext executionContext, ILogger logger, CancellationToken cancellationToken)
    {
        var context = new EnvironmentCallbackContext(executionContext, resource, [], cancellationToken) { Logger = logger };
        foreach (var callback in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            await callback.Callback(context).ConfigureAwait(false);
        }

        var variables = new Dictionary<string, string>();
        foreach (var (name, value) in context.EnvironmentVariables)
        {
            if (await ResolveAsync(value, resource, executionContext, cancellationToken).ConfigureAwait(false) is { } text)
            {
                variables[name] = text;
            }
        }

        return variables;
    }

    /// <summary>This process's environment, with the resource's own over it.</summary>
    public static Dictionary<string, string> WithInherited(IReadOnlyDictionary<string, string> own)
    {
        var all = new Dictionary<string, string>(
            OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            all[(string)variable.Key] = (string?)variable.Value ?? "";
        }

        foreach (var name in s_notInherited)
        {
            all.Remove(name);
        }

        foreach (var (name, value) in own)
        {
            all[name] = value;
        }

        return all;
    }

    private static async Task<string?> ResolveAsync(
        object value, IResource caller, DistributedApplicationExecutionContext executionContext, CancellationToken cancellationToken) => value switch
        {
            string text => text,
            IValueProvider provider => await provider.GetValueAsync(
                new ValueProviderContext { Caller = caller, ExecutionContext = executionContext }, cancellationToken).ConfigureAwait(false),
            IResourceBuilder<IResource> { Resource: IValueProvider provider } =>
                await ResolveAsync(provider, caller, executionContext, cancellationToken).ConfigureAwait(false),
            IFormattable formattable => formattable.ToString(null, System.Globalization.CultureInfo.InvariantCulture),
            _ => value.ToString(),
        };
}
