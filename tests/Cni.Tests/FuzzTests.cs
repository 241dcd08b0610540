using System.Text;
using System.Text.Json;

namespace Cni.Tests;

/// <summary>Damaged configurations, the same ones in every run: the answer is always one JSON object, never an exception.</summary>
public class FuzzTests
{
    private static readonly byte[][] _seeds =
    [
        .. new[]
        {
            """{"cniVersion":"0.4.0","name":"net","type":"egress-router","ip":{"addresses":["192.0.2.1/24"]},"prevResult":{"ips":[]}}""",
            """{"cniVersion":"1.1.0","name":"n\u0065t","a":[1,2.5e300,-0,true,false,null,{"b":"\ud83d\ude00\n"}],"é":"日本"}""",
            """{"name":7,"cniVersion":["1.0.0"],"prevResult":null,"a":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}""",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    private static readonly byte[][] _pieces =
    [
        .. new[] { "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\"name\":", "\"a\":1,", "\0", "\ufeff", "//", "1e999" }
            .Select(Encoding.UTF8.GetBytes),
        [0xff],
        [0xc3],
        [0xed, 0xa0, 0x80],
    ];

    [Fact]
    public void Whatever_comes_in_one_object_goes_out()
    {
        var random = new Random(20261121);
        string[] commands = ["ADD", "CHECK", "DEL", "VERSION", "STATUS", "GC"];
        int reached = 0;
        for (int i = 0; i < 20_000; i++)
        {
            Call call = Call.Of(commands[random.Next(commands.Length)]);
            call.Stdin = Damaged(random);
            try
            {
                call.Run();
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException(Convert.ToHexString(call.Stdin), exception);
            }

            if (call.ExitCode != 0 || call.Stdout.Length > 0)
            {
                JsonElement answer = call.OneObject();
                Assert.Equal(call.ExitCode != 0, answer.TryGetProperty("code", out _));
            }

            reached += call.Request is null ? 0 : 1;
        }

        // Otherwise the damage would be so heavy that nothing but the first check were tested.
        Assert.InRange(reached, 200, 19_000);
    }

    private static byte[] Damaged(Random random)
    {
        List<byte> text = [.. _seeds[random.Next(_seeds.Length)]];
        for (int times = random.Next(4); times > 0; times--)
        {
            int at = random.Next(text.Count);
            switch (random.Next(4))
            {
                case 0:
                    text[at] = (byte)random.Next(256);
                    break;
                case 1:
                    text.RemoveRange(at, random.Next(Math.Min(8, text.Count - at)));
                    break;
                case 2:
                    text.InsertRange(at, _pieces[random.Next(_pieces.Length)]);
                    break;
                default:
                    text.InsertRange(random.Next(text.Count), text.GetRange(at, random.Next(text.Count - at)));
                    break;
            }
        }

        return [.. text];
    }
}
