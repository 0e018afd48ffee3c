using System.Buffers;
using System.Text;

namespace Grpc.Core;

public sealed partial class Metadata
{
    private static readonly SearchValues<char> _lowerKeyCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_.");

    private static readonly SearchValues<char> _keyCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

    /// <summary>One key with its value, which is text or bytes by the key's suffix. It cannot be changed.</summary>
    public class Entry
    {
        private readonly string? _value;
        private readonly byte[]? _valueBytes;

        /// <summary>Creates a binary entry; the bytes are copied.</summary>
        /// <exception cref="ArgumentException">
        /// The key has a character that a header may not have, or does not end in <see cref="BinaryHeaderSuffix"/>.
        /// </exception>
        public Entry(string key, byte[] valueBytes)
        {
            Key = NormalizeKey(key);
            ArgumentNullException.ThrowIfNull(valueBytes);
            if (!IsBinary)
                throw new ArgumentException("The key of an entry with a binary value must end in \"-bin\".", nameof(key));
            _valueBytes = (byte[])valueBytes.Clone();
        }

        /// <summary>Creates a text entry.</summary>
        /// <exception cref="ArgumentException">
        /// The key has a character that a header may not have, or ends in <see cref="BinaryHeaderSuffix"/>.
        /// </exception>
        public Entry(string key, string value)
        {
            Key = NormalizeKey(key);
            ArgumentNullException.ThrowIfNull(value);
            if (IsBinary)
                throw new ArgumentException("The key of an entry with a text value must not end in \"-bin\".", nameof(key));
            _value = value;
        }

        /// <summary>The key in lower case.</summary>
        public string Key { get; }

        /// <summary>Whether the value is binary, which the key's suffix decides.</summary>
        public bool IsBinary => Key.EndsWith(BinaryHeaderSuffix, StringComparison.Ordinal);

        /// <summary>A copy of the bytes, or of the text in ASCII.</summary>
        public byte[] ValueBytes => _valueBytes is null ? Encoding.ASCII.GetBytes(_value!) : (byte[])_valueBytes.Clone();

        /// <summary>The text.</summary>
        /// <exception cref="InvalidOperationException">The entry is binary.</exception>
        public string Value => _value ?? throw new InvalidOperationException("Cannot access string value of a binary metadata entry");

        /// <summary>Key and value for a log; bytes appear in base64.</summary>
        public override string ToString() => IsBinary
            ? $"[Entry: key={Key}, valueBytes={Convert.ToBase64String(_valueBytes!)}]"
            : $"[Entry: key={Key}, value={_value}]";

        private static string NormalizeKey(string key)
        {
            ArgumentNullException.ThrowIfNull(key);
            if (key.Length != 0 && !key.AsSpan().ContainsAnyExcept(_lowerKeyCharacters))
                return key;
            if (key.Length == 0 || key.AsSpan().ContainsAnyExcept(_keyCharacters))
                throw new ArgumentException(
                    $"Metadata entry key '{key}' is not valid: it may have letters, digits, '.', '_' and '-' only.", nameof(key));
            return key.ToLowerInvariant();
        }
    }
}
