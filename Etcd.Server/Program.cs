System.Console.WriteLine("etcd");
