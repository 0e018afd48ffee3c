using AppHost.Output;
using Aspire.Hosting.ApplicationModel;

namespace AppHost.Samples;

/// <summary>One of the samples as it is shown.</summary>
internal sealed record SampleStatus(string Name, string Url, string State);

/// <summary>Shows the samples: their names, where they listen, and what their processes do.</summary>
internal static class SampleTable
{
    private static readonly string[] s_headings = ["SAMPLE", "URL", "STATE"];

    /// <summary>The samples of an application, in the order in which they were added.</summary>
    public static IEnumerable<IResource> In(DistributedApplicationModel model) =>
        model.Resources.Where(r => r.HasAnnotationOfType<SampleAnnotation>());

    public static IEnumerable<string> Format(IReadOnlyList<SampleStatus> samples) => samples.Count == 0
        ? []
        : ["", .. TextTable.Format([s_headings, .. samples.Select(s => new[] { s.Name, s.Url, s.State })])];

    /// <summary>Where a sample listens; a dash where it does not.</summary>
    public static string UrlOf(IResource sample) =>
        sample.Annotations.OfType<EndpointAnnotation>().FirstOrDefault()?.AllocatedEndpoint?.UriString ?? "-";

    /// <summary>What is said when a sample has come up.</summary>
    public static string Greeting(IResource sample)
    {
        string what = sample.Annotations.OfType<SampleAnnotation>().Single().Description;
        string url = UrlOf(sample);
        return url == "-" ? $"{sample.Name} is up: {what}" : $"{sample.Name} is up at {url}: {what}";
    }
}
