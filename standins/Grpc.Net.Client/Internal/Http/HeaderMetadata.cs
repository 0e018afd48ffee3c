using System.Buffers;
using System.Net.Http.Headers;
using Grpc.Core;

namespace Grpc.Net.Client.Internal.Http;

/// <summary>From call metadata to HTTP headers and back.</summary>
internal static class HeaderMetadata
{
    private static readonly SearchValues<char> _keyCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

    /// <summary>Adds an entry; bytes travel in base64, which the protocol wants without padding.</summary>
    public static void Write(HttpRequestHeaders headers, Metadata.Entry entry) =>
        headers.TryAddWithoutValidation(
            entry.Key, entry.IsBinary ? Convert.ToBase64String(entry.ValueBytes).TrimEnd('=') : entry.Value);

    /// <summary>
    /// What an application may see of headers or trailers: not the protocol's own. A header that is no metadata (its name
    /// has another character, its binary value is no base64) is left out.
    /// </summary>
    public static Metadata Read(HttpHeaders headers)
    {
        var metadata = new Metadata();
        foreach (var (name, values) in headers.NonValidated)
        {
            if (IsProtocolHeader(name) || name.Length == 0 || name.AsSpan().ContainsAnyExcept(_keyCharacters))
                continue;
            if (name.EndsWith(Metadata.BinaryHeaderSuffix, StringComparison.OrdinalIgnoreCase))
                AddBinary(metadata, name, values);
            else
                foreach (var value in values)
                    metadata.Add(name, value);
        }

        return metadata;
    }

    /// <summary>The value of a header, or null; several are joined as HTTP says.</summary>
    public static string? Find(HttpHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;

    private static bool IsProtocolHeader(string name) =>
        name.StartsWith(':')
        || (name.StartsWith("grpc-", StringComparison.OrdinalIgnoreCase)
            && (Is(name, "grpc-status") || Is(name, "grpc-message") || Is(name, "grpc-encoding") || Is(name, "grpc-accept-encoding")));

    private static bool Is(string name, string other) => name.Equals(other, StringComparison.OrdinalIgnoreCase);

    // Whoever carries the headers may join several values of one name with commas, which base64 never has.
    private static void AddBinary(Metadata metadata, string name, HeaderStringValues values)
    {
        foreach (var joined in values)
            foreach (var part in joined.Split(','))
                if (TryDecode(part.Trim(), out var bytes))
                    metadata.Add(name, bytes);
    }

    private static bool TryDecode(string text, out byte[] bytes)
    {
        var padded = (text.Length % 4) switch { 2 => text + "==", 3 => text + "=", _ => text };
        bytes = new byte[padded.Length / 4 * 3];
        if (!Convert.TryFromBase64String(padded, bytes, out var written))
            return false;
        if (written != bytes.Length)
            Array.Resize(ref bytes, written);
        return true;
    }
}
