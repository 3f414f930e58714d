"""`python -m datas` is the command `datas`."""

from datas.cli import main

if __name__ == "__main__":
    main(prog_name="datas")
