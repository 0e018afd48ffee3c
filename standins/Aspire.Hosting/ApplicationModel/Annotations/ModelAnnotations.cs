using System.Diagnostics.CodeAnalysis;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Whether a new annotation of a type is put beside those that exist or in their place.</summary>
public enum ResourceAnnotationMutationBehavior
{
    Append = 0,
    Replace = 1,
}

/// <summary>What is first known of a resource.</summary>
public class ResourceSnapshotAnnotation(CustomResourceSnapshot initialSnapshot) : IResourceAnnotation
{
    public CustomResourceSnapshot InitialSnapshot { get; } = initialSnapshot;
}

/// <summary>A relation to another resource, as shown to people ("Parent", "Reference", "WaitFor").</summary>
public sealed class ResourceRelationshipAnnotation(IResource resource, string type) : IResourceAnnotation
{
    public IResource Resource { get; } = resource;

    public string Type { get; } = type;
}

/// <summary>What has to be so before the resource may start.</summary>
public sealed class WaitAnnotation(IResource resource, WaitType waitType, int exitCode = 0) : IResourceAnnotation
{
    public IResource Resource { get; } = resource;

    public WaitType WaitType { get; } = waitType;

    public WaitBehavior? WaitBehavior { get; init; }

    public int ExitCode { get; } = exitCode;
}

/// <summary>What a dependency has to reach.</summary>
public enum WaitType
{
    WaitUntilHealthy = 0,
    WaitForCompletion = 1,
    WaitUntilStarted = 2,
}

/// <summary>What waiting does when the dependency ends: goes on, since it may be started again, or gives up.</summary>
public enum WaitBehavior
{
    WaitOnResourceUnavailable = 0,
    StopOnResourceUnavailable = 1,
}

/// <summary>A health check, by its key among the registered checks, that decides whether the resource is healthy.</summary>
public class HealthCheckAnnotation(string key) : IResourceAnnotation
{
    public string Key { get; } = key;
}

/// <summary>The picture that stands for the resource in a dashboard.</summary>
public sealed class ResourceIconAnnotation(string iconName, IconVariant iconVariant = IconVariant.Filled) : IResourceAnnotation
{
    public string IconName { get; } = iconName ?? throw new ArgumentNullException(nameof(iconName));

    public IconVariant IconVariant { get; } = iconVariant;
}

/// <summary>How an icon is drawn.</summary>
public enum IconVariant
{
    Regular = 0,
    Filled = 1,
}

/// <summary>Keeps a resource out of the deployment manifest, which this build of the package never writes.</summary>
public class ManifestPublishingCallbackAnnotation : IResourceAnnotation
{
    internal ManifestPublishingCallbackAnnotation()
    {
    }

    public static ManifestPublishingCallbackAnnotation Ignore { get; } = new();
}

/// <summary>The id of the running instance of a resource: its name and a random suffix.</summary>
internal sealed class InstanceAnnotation(string resourceId) : IResourceAnnotation
{
    public string ResourceId { get; } = resourceId;

    [SuppressMessage("Security", "CA5394", Justification = "A name, not a secret.")]
    public static InstanceAnnotation CreateFor(IResource resource) =>
        new($"{resource.Name}-{new string(Random.Shared.GetItems<char>("abcdefghjkmnpqrstuvwxyz", 8))}");
}
