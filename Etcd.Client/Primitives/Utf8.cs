using System.Text;

namespace Etcd.Client;

internal static class Utf8
{
    // Half a surrogate pair would silently become another text's bytes.
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static byte[] Encode(string text) => Strict.GetBytes(text);
}
