"""Files of measured PDFs, as programs write them."""

import io

import numpy as np

R = np.round(np.arange(1, 2001) * 0.01, 2)
G = np.sin(2.5 * R) * np.exp(-R / 20)

PDFGETX3 = """[DEFAULT]

version = diffpy.pdfgetx-2.1.1

# input and output specifications
dataformat = QA
inputfile = neutron_beamline.chi
outputtype = gr

# PDF calculation setup
mode = xray
composition = Ni
rpoly = 0.9
qmaxinst = 27.0
qmin = 0.5
qmax = 24.5
rmin = 0
rmax = 6
rstep = 0.01

# End of config --------------------------------------------------------------

#### start data
#S 1
#L r(Å)  G(Å$^{-2}$)
"""
XPDFSUITE = r"""# xPDFsuite Configuration #
[PDF]
wavelength = 0.1
mode = neutron
outputtype = gr
qmaxinst = 25.0
qmin = 0.4
qmax = 22.0

[Misc]
inputdir = /home/me/2017_NOMAD/xray

#### start data
#S 1
#L r($\AA$)  G($\AA^{-2}$)
"""
PDFGETX2 = """History written: Wed Jul 30 00:37:52 2003
Produced by me
####### Get_XPDF #######

##### Data&Background
det#  used  xcol detcol
  0    1    0    1    2    0.700000    36.0000
  1    1    0    1    2    0.700000    36.0000

##### SqGr_Optimization Setup
## S(q)  qmin=0.800000    qmax=26.000000    qgrid=0.000000
## SqOptimization  sqoptfunction=1
optqmin=20.0000    optqmax=38.0000    optqgrid=0.000000
##### start data
#F me.gr
#S 1    G(r)
#L r(A)    G(r)    d_r    d_Gr
"""
PDFGETN = """History written: Wed Oct 12 14:46:29 2005
produced by me
##### Run Information     runCorrection=T
prep=gsas     machine=npdf
bank   angle   blendQmin   blendQmax       (0.0 means no info)
  1     45.0        0.85    10.00
  2     90.0        1.65    31.00
## Damp     Qmin=0.85     Qmax=35.00     startDampQ=32.00    QAveMin=0.6
##### start data
#O0 rg_int sig_rg_int low_int sig_low_int rmax rhofit
#S 1 - PDF from PDFgetN
#P0 **********    7.02817    0.42135    0.02031    1.50  ******
#L r G(r) dr dG(r)
"""
PDFGUI = """History written: Mon Mar 27 21:12:27 2023
produced by me
##### PDFgui fit
stype=N  neutron scattering
qmax=31.40
qdamp=0.0218
qbroad=0.0121
fitrmax=19
##### start data
#L r(A) G(r) d_r d_Gr Gdiff
"""
PDFGUI_OLD = """##### PDFgui
stype=X  x-ray scattering
qmax=20
qsig=0.03
qalp=0.02
##### start data
#L r(A) G(r) d_r d_Gr
"""
NOMAD = """# 2000
# file: PDF/NOM_9999_xray_ftfrgr.gr
# created: Thu Sep 29 18:48:08 2016
# Comment: neutron, Qmax=31.414, Qdamp=0.017659, Qbroad= 0.0191822
#
"""
MANTID = """#Comment: neutron, Qmin=0.910607, Qmax=34.9906
##### start data
#S 1 - PDF from Mantid 6.10.0.1
#L r G(r) dr dG(r)
"""


def rows(*columns, delimiter=" "):
    file = io.StringIO()
    np.savetxt(file, np.transpose(columns), fmt="%.8g", delimiter=delimiter)
    return file.getvalue()


TWO = rows(R, G)
FOUR = rows(R, G, 0 * R, np.where(R < 1, np.nan, 0.1))
FIT = rows(R, G - 0.1 * np.cos(R), 0 * R, 0 * R, 0.1 * np.cos(R))


def write(tmp_path, content, name="sample.gr"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def commented(text):
    return "".join(f"# {line}" for line in text.splitlines(keepends=True))
