return Ledger.Verify.Tool.Run(args, Console.Out, Console.Error);
