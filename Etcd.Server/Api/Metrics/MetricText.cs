using System.Text;
using Etcd.Server.Primitives;

namespace Etcd.Server.Api.Metrics;

/// <summary>
/// Prometheus' text format, version 0.0.4: each family with its help and type in front, families by name. One page; one thread.
/// </summary>
internal sealed class MetricText
{
    /// <summary>The content type of a page.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly SortedDictionary<string, StringBuilder> _families = new(StringComparer.Ordinal);
    private StringBuilder _current = new();
    private string _head = "";
    private string _name = "";

    /// <summary>Begins a family that only grows; samples follow.</summary>
    public MetricText Counter(string name, string help) => Begin(name, help, "counter");

    /// <summary>Begins a family that goes up and down; samples follow.</summary>
    public MetricText Gauge(string name, string help) => Begin(name, help, "gauge");

    /// <summary>Begins a family of histograms; they follow.</summary>
    public MetricText Histogram(string name, string help) => Begin(name, help, "histogram");

    /// <summary>A family with one sample that only grows.</summary>
    public void Counter(string name, string help, double value) => Counter(name, help).Sample(value);

    /// <summary>A family with one sample that goes up and down.</summary>
    public void Gauge(string name, string help, double value) => Gauge(name, help).Sample(value);

    /// <summary>A family with one histogram.</summary>
    public void Histogram(string name, string help, DurationHistogram histogram) => Histogram(name, help).Sample(histogram);

    /// <summary>A sample of the family.</summary>
    /// <param name="value">Its value.</param>
    /// <param name="labels">Its labels.</param>
    public void Sample(double value, params ReadOnlySpan<(string Name, string Value)> labels) => Line(_name, labels, null, value);

    /// <summary>A histogram of the family.</summary>
    /// <param name="histogram">Its buckets; read once, so that its parts agree.</param>
    /// <param name="labels">Its labels.</param>
    public void Sample(DurationHistogram histogram, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        IReadOnlyList<long> counts = histogram.Counts;
        long below = 0;
        for (int i = 0; i < counts.Count; i++)
        {
            below += counts[i];
            Line(_name + "_bucket", labels, i < histogram.Bounds.Count ? GoNumber.Format(histogram.Bounds[i]) : "+Inf", below);
        }

        Line(_name + "_sum", labels, null, histogram.Sum);
        Line(_name + "_count", labels, null, below);
    }

    /// <summary>The page.</summary>
    public override string ToString()
    {
        var page = new StringBuilder();
        foreach (StringBuilder family in _families.Values)
        {
            page.Append(family);
        }

        return page.ToString();
    }

    private MetricText Begin(string name, string help, string type)
    {
        _name = name;
        _current = new StringBuilder();
        _families.Add(name, _current);
        // Written with the first sample: a family without any is not on the page.
        _head = $"# HELP {name} {help}\n# TYPE {name} {type}\n";
        return this;
    }

    private void Line(string name, ReadOnlySpan<(string Name, string Value)> labels, string? bound, double value)
    {
        _current.Append(_head).Append(name);
        _head = "";
        char before = '{';
        (string Name, string Value)[] sorted = [.. labels];
        Array.Sort(sorted, static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        foreach ((string label, string text) in sorted)
        {
            Label(ref before, label, text);
        }

        if (bound is not null)
        {
            Label(ref before, "le", bound);
        }

        _current.Append(before == ',' ? "} " : " ").Append(GoNumber.Format(value)).Append('\n');
    }

    private void Label(ref char before, string name, string value)
    {
        _current.Append(before).Append(name).Append("=\"");
        foreach (char c in value)
        {
            _ = c switch
            {
                '\\' => _current.Append(@"\\"),
                '"' => _current.Append("\\\""),
                '\n' => _current.Append(@"\n"),
                _ => _current.Append(c),
            };
        }

        _current.Append('"');
        before = ',';
    }
}
