using System.Collections.ObjectModel;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Something that the application consists of: a process, a value, a group of other resources.</summary>
public interface IResource
{
    string Name { get; }

    ResourceAnnotationCollection Annotations { get; }
}

/// <summary>A fact about a resource. Annotations are read when the application starts; later additions have no effect.</summary>
public interface IResourceAnnotation
{
}

/// <summary>The annotations of one resource, in the order in which they were added.</summary>
public sealed class ResourceAnnotationCollection : Collection<IResourceAnnotation>
{
}

/// <summary>Base of all resources. The name is unique within the application, compared without regard to case.</summary>
[DebuggerDisplay("{GetType().Name,nq}: {Name}")]
public abstract class Resource : IResource
{
    protected Resource(string name)
    {
        ResourceNames.ThrowIfInvalid(name);
        Name = name;
    }

    public virtual string Name { get; }

    public virtual ResourceAnnotationCollection Annotations { get; } = [];
}

internal static class ResourceNames
{
    private const int LengthMax = 64;

    public static StringComparer Comparer => StringComparer.OrdinalIgnoreCase;

    public static void ThrowIfInvalid([NotNull] string? name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (WhatIsWrong(name) is { } reason)
        {
            throw new ArgumentException($"The resource name '{name}' is invalid: {reason}.", nameof(name));
        }
    }

    private static string? WhatIsWrong(string name)
    {
        if (name.Length > LengthMax)
        {
            return $"it may have at most {LengthMax} characters";
        }

        if (!char.IsAsciiLetter(name[0]))
        {
            return "it must start with an ASCII letter";
        }

        if (name.Any(c => !char.IsAsciiLetterOrDigit(c) && c != '-'))
        {
            return "only ASCII letters, digits and hyphens are allowed";
        }

        return name.EndsWith('-') || name.Contains("--", StringComparison.Ordinal)
            ? "it may neither end with a hyphen nor have two in a row"
            : null;
    }
}
