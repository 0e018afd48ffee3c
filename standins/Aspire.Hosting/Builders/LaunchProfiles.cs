using System.Text.Json;
using System.Text.Json.Serialization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>
/// The launch profile of a project (Properties/launchSettings.json): its environment variables, and its applicationUrl as
/// endpoints. The profile is the one named, else the one that the AppHost itself was started with, else the first.
/// </summary>
internal static class LaunchProfiles
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        PropertyNameCaseInsensitive = true,
    };

    public static LaunchProfileSettings? Choose(
        IDistributedApplicationBuilder builder, IProjectMetadata metadata, ProjectResourceOptions options)
    {
        if (options.ExcludeLaunchProfile || Read(metadata.ProjectPath) is not { } profiles)
        {
            return null;
        }

        if (options.LaunchProfileName is { } wanted)
        {
            return profiles.GetValueOrDefault(wanted) ?? throw new DistributedApplicationException(
                $"Launch settings file does not contain '{wanted}' launch profile.");
        }

        var inherited = builder.Configuration["DOTNET_LAUNCH_PROFILE"];
        return (inherited is null ? null : profiles.GetValueOrDefault(inherited))
            ?? profiles.Values.FirstOrDefault(p => p.CommandName == "Project");
    }

    public static IResourceBuilder<ProjectResource> WithLaunchProfile(
        this IResourceBuilder<ProjectResource> builder, LaunchProfileSettings? profile, ProjectResourceOptions options)
    {
        if (profile is null)
        {
            return builder;
        }

        foreach (var (name, value) in profile.EnvironmentVariables)
        {
            builder.WithEnvironment(name, Environment.ExpandEnvironmentVariables(value));
        }

        return options.ExcludeKestrelEndpoints ? builder : builder.WithApplicationUrls(profile.ApplicationUrl);
    }

    /// <summary>Tells Kestrel where to listen: the target ports of all endpoints that speak HTTP.</summary>
    public static IResourceBuilder<ProjectResource> WithKestrelUrls(this IResourceBuilder<ProjectResource> builder) =>
        builder.WithEnvironment(context =>
        {
            var wanted = context.Resource.Annotations.OfType<EndpointEnvironmentFilterAnnotation>().ToArray();
            var urls = builder.Resource.GetEndpoints()
                .Where(e => (e.IsHttp || e.IsHttps) && wanted.All(w => w.Filter(e.EndpointAnnotation)))
                .ToArray();
            if (urls.Length == 0)
            {
                return;
            }

            var text = new ReferenceExpressionBuilder();
            foreach (var (i, url) in urls.Index())
            {
                var host = url.EndpointAnnotation.TargetHost;
                text.Append($"{(i > 0 ? ";" : "")}{url.Scheme}://{host}:{url.Property(EndpointProperty.TargetPort)}");
            }

            context.EnvironmentVariables["ASPNETCORE_URLS"] = text.Build();
        });

    private static IResourceBuilder<ProjectResource> WithApplicationUrls(
        this IResourceBuilder<ProjectResource> builder, string? applicationUrl)
    {
        foreach (var url in applicationUrl?.Split(';', StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            var address = new Uri(url.Replace("*", "localhost", StringComparison.Ordinal));
            builder.WithEndpoint(address.Scheme, e =>
            {
                e.Port = address.Port;
                e.UriScheme = address.Scheme;
                e.TlsEnabled = address.Scheme == "https";
            });
        }

        return builder;
    }

    private static Dictionary<string, LaunchProfileSettings>? Read(string projectPath)
    {
        var path = Path.Combine(Path.GetDirectoryName(projectPath)!, "Properties", "launchSettings.json");
        if (!File.Exists(path))
        {
            return null;
        }

        using var file = File.OpenRead(path);
        return JsonSerializer.Deserialize<LaunchSettingsFile>(file, s_json)?.Profiles;
    }

    private sealed record LaunchSettingsFile(
        [property: JsonPropertyName("profiles")] Dictionary<string, LaunchProfileSettings> Profiles);
}

internal sealed record LaunchProfileSettings
{
    public string? CommandName { get; init; }

    public string? ApplicationUrl { get; init; }

    public Dictionary<string, string> EnvironmentVariables { get; init; } = [];
}
