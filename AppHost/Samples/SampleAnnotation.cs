using Aspire.Hosting.ApplicationModel;

namespace AppHost.Samples;

/// <summary>The resource is one of the samples.</summary>
/// <param name="Description">What it shows, in a line.</param>
internal sealed record SampleAnnotation(string Description) : IResourceAnnotation;
