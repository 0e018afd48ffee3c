using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Builds a <see cref="ReferenceExpression"/> piece by piece. Not for concurrent use.</summary>
public class ReferenceExpressionBuilder
{
    private readonly StringBuilder _format = new();
    private readonly List<IValueProvider> _valueProviders = [];
    private readonly List<string?> _stringFormats = [];

    public bool IsEmpty => _format.Length == 0;

#pragma warning disable CA1822 // Appending happens while the compiler builds the handler.
    public void Append([InterpolatedStringHandlerArgument("")] in ReferenceExpressionBuilderInterpolatedStringHandler handler)
#pragma warning restore CA1822
    {
    }

    public void AppendLiteral(string value) =>
        _format.Append(value.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal));

    public void AppendFormatted(string? value) => AppendFormatted(value, format: null);

    public void AppendFormatted(string? value, string? format = null)
    {
        if (value is not null)
        {
            AppendLiteral(ValueFormat.Apply(value, format));
        }
    }

    public void AppendFormatted<T>(T valueProvider)
        where T : IValueProvider, IManifestExpressionProvider => AppendFormatted(valueProvider, format: null);

    public void AppendFormatted<T>(T valueProvider, string? format)
        where T : IValueProvider, IManifestExpressionProvider => AppendValueProvider(valueProvider, format);

    public void AppendValueProvider(object valueProvider, string? format = null)
    {
        switch (valueProvider)
        {
            case ReferenceExpression inner when format is null:
                AppendExpression(inner);
                break;
            case IValueProvider provider and IManifestExpressionProvider:
                AppendHole(provider, format);
                break;
            default:
                throw new ArgumentException(
                    $"{valueProvider?.GetType()} must implement {nameof(IValueProvider)} and {nameof(IManifestExpressionProvider)}.",
                    nameof(valueProvider));
        }
    }

    public ReferenceExpression Build() => new(_format.ToString(), [.. _valueProviders], [.. _stringFormats]);

    private void AppendHole(IValueProvider provider, string? format)
    {
        _format.Append(CultureInfo.InvariantCulture, $"{{{_valueProviders.Count}}}");
        _valueProviders.Add(provider);
        _stringFormats.Add(format);
    }

    /// <summary>An expression within another one is merged into it, so that its own holes stay visible.</summary>
    private void AppendExpression(ReferenceExpression inner)
    {
        var renumbered = Enumerable.Range(_valueProviders.Count, inner.ValueProviders.Count)
            .Select(i => (object)$"{{{i}}}")
            .ToArray();
        // Formatting consumes one level of doubled braces; the literals of the inner text need it back.
        var doubled = inner.Format.Replace("{{", "{{{{", StringComparison.Ordinal).Replace("}}", "}}}}", StringComparison.Ordinal);
        _format.AppendFormat(CultureInfo.InvariantCulture, doubled, renumbered);
        _valueProviders.AddRange(inner.ValueProviders);
        _stringFormats.AddRange(inner.StringFormats);
    }

    /// <summary>Appends an interpolated string to a builder that already exists.</summary>
    [InterpolatedStringHandler]
    public ref struct ReferenceExpressionBuilderInterpolatedStringHandler
    {
        private readonly ReferenceExpressionBuilder _builder;

#pragma warning disable IDE0060 // The compiler passes both counts.
        public ReferenceExpressionBuilderInterpolatedStringHandler(
            int literalLength, int formattedCount, ReferenceExpressionBuilder builder) => _builder = builder;
#pragma warning restore IDE0060

        public readonly void AppendLiteral(string value) => _builder.AppendLiteral(value);

        public readonly void AppendFormatted(string? value) => _builder.AppendFormatted(value);

        public readonly void AppendFormatted(string? value, string format) => _builder.AppendFormatted(value, format);

        public readonly void AppendFormatted<T>(T valueProvider)
            where T : IValueProvider, IManifestExpressionProvider => _builder.AppendFormatted(valueProvider);

        public readonly void AppendFormatted<T>(T valueProvider, string? format)
            where T : IValueProvider, IManifestExpressionProvider => _builder.AppendFormatted(valueProvider, format);

        public readonly void AppendFormatted<T>(IResourceBuilder<T> valueProvider)
            where T : IResource, IValueProvider, IManifestExpressionProvider => _builder.AppendFormatted(valueProvider.Resource);

        public readonly void AppendFormatted<T>(IResourceBuilder<T> valueProvider, string? format)
            where T : IResource, IValueProvider, IManifestExpressionProvider =>
            _builder.AppendFormatted(valueProvider.Resource, format);
    }
}
